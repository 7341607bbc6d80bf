"""The parts that certificates of Trailseal's own making have alike (RFC 5280)."""

from cryptography import x509
from cryptography.x509.oid import NameOID


def common_name(common: str) -> x509.Name:
    """A name that is a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Signs certificates and lists of revoked ones, or anything else but these."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
