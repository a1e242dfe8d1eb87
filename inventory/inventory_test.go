package inventory

const trapStatus = `Package: a
Status: install ok installed
Architecture: all
Version: 1
Description: a

`
