module github.com/docspace-go/userdata/tools/memory

go 1.25.0
