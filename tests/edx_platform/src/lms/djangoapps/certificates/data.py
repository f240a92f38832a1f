"""lms/djangoapps/certificates/data.py."""


class CertificateStatuses:
    """As strings in `GeneratedCertificate.status`."""

    downloadable = "downloadable"
    notpassing = "notpassing"
    unavailable = "unavailable"
    audit_passing = "audit_passing"
