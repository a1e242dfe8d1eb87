package store

// children are what this test binary does instead of testing when another
// test starts it with their name in STORE_TEST_CHILD.
var children = map[string]func(){}
