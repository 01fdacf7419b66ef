"""The explorer: a static page with the solver as WebAssembly and the networks in JavaScript."""
