"""Runtime images: the read-only root filesystem each language runs in, the same for every driver."""

from triform.substrates.isolation.images.errors import ImageBroken, RuntimeImageMissing
from triform.substrates.isolation.images.model import Image
from triform.substrates.isolation.images.store import Images

__all__ = ["Image", "ImageBroken", "Images", "RuntimeImageMissing"]
