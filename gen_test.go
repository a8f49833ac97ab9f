package userdata_test

import (
	"fmt"
	"strings"

	"github.com/docspace-go/userdata"
)

func ExampleContract() {
	version, _, _ := strings.Cut(userdata.Contract(), "\n")
	fmt.Println(version)
	// Output: openapi: 3.0.3
}
