"""`calsync`: what people and scripts see, steer and repair of the running system, from the command line."""
