//go:build !linux

package main

// reserve does nothing where it is not known to be of use.
func reserve(int) {}
