"""Every formula of the package a second time, in `autograd.numpy`, sharing no code with it; slow on purpose."""
