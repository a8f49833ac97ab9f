// Package userdata holds the contract that everything in this module comes from: the OpenAPI description of DocSpace's
// people user data API. Programs import the client from the packages below it:
//
//   - wrapper: the client to use
//   - offboard: a whole user handed over or removed, built on wrapper
//   - docspacetest: a portal in memory, for tests
//   - api: the generated client that wrapper stands on
package userdata

import _ "embed"

//go:generate go tool -modfile=tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
//go:generate go tool -modfile=tools/go.mod oapi-codegen -config docspacetest/oapi-codegen.yaml openapi.yaml

//go:embed openapi.yaml
var contract string

// Contract returns openapi.yaml, the OpenAPI 3.0 document that this version of the client was generated from.
func Contract() string { return contract }
