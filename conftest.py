from hypothesis import HealthCheck, settings

pytest_plugins = ["local_stack.fixtures"]

# How long an example takes says how busy the machine is, nothing about the fact that is tested.
settings.register_profile("calsync", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calsync")
