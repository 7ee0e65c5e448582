# SPDX-License-Identifier: Apache-2.0
"""Seven notification providers on one port, as strict and as unreliable as the real ones."""
from .certificates import make_certificate
from .server import FakeProviders

__all__ = ["FakeProviders", "make_certificate"]
