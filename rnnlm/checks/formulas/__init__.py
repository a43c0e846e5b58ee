"""Every formula of the package once more in `autograd.numpy`, sharing nothing with it; slow on purpose."""
