module example.com/importer

go 1.25.0
