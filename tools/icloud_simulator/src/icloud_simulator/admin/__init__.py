"""The admin API: tests and people play the iPhone, Apple and bad luck through it."""
