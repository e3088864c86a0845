"""Answers: from models in local folders and from endpoints."""

import os

# Hugging Face libraries read this when they are first imported: a model in a folder asks no server for anything.
os.environ["HF_HUB_OFFLINE"] = "1"
