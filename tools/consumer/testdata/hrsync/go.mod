module example.com/hrsync

go 1.25.0
