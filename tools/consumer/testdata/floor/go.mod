module example.com/floor

go 1.25.0
