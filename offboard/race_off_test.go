//go:build !race

package offboard_test

const underRace = false
