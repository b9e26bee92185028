// Carts, wishlists, values and QR codes are declared elsewhere; an app imports this module alone.
@_exported public import ToteCore
@_exported public import ToteQR
