// For node --require: ends the program when nobody holds its standard input any more, however whoever started it ended.
process.stdin.on('close', () => process.exit()).resume();
