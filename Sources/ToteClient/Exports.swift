// Carts, wishlists and values are declared in the core; an app imports this module alone.
@_exported public import ToteCore
