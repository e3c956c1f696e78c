"""Tests of what a person sees while a drill runs."""
