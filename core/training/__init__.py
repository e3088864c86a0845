"""Teaching a model with approved answers."""

import os

# Hugging Face libraries read this when they are first imported: training asks no server for anything.
os.environ["HF_HUB_OFFLINE"] = "1"
