//go:build race

package offboard_test

const underRace = true // the detector makes everything some five times as slow
