"""The landscape laboratory: what is said of optimizers, examined on model surfaces and on molecules."""
