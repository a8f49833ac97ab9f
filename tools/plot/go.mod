module github.com/docspace-go/userdata/tools/plot

go 1.25.0
