from hypothesis import settings

pytest_plugins = ["local_stack.fixtures"]

# How long an example takes says how busy the machine is, nothing about the fact that is tested.
settings.register_profile("calsync", deadline=None, print_blob=True)
settings.load_profile("calsync")
