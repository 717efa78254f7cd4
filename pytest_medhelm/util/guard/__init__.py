"""The offline guard. ``medhelm_offline_guard`` and ``sitecustomize`` stand alone: any Python may import them."""
