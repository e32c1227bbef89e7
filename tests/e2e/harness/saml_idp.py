"""A SAML identity provider: its metadata, and signed responses good and bad.

Assertions are written in their exclusive canonical form to begin with, so that signing needs no XML library."""

from __future__ import annotations

import base64
import datetime
import hashlib
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
SIGN_IN = "https://signin.aws.amazon.com/saml"


def moment(seconds: int = 0) -> str:
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def algorithm(element: str, name: str) -> str:
    return f'<ds:{element} Algorithm="{name}"></ds:{element}>'


class IdentityProvider:
    """A key, a certificate, and an entity id."""

    def __init__(self, entity_id: str = "https://idp.example.com/metadata") -> None:
        self.entity_id = entity_id
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        self._certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                             .public_key(self._key.public_key()).serial_number(x509.random_serial_number())
                             .not_valid_before(now - day).not_valid_after(now + 365 * day)
                             .sign(self._key, hashes.SHA256()))

    def metadata(self) -> str:
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        return (f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DS}" '
                f'entityID="{self.entity_id}"><md:IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">'
                f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
                f'{base64.b64encode(der).decode()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>'
                f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
                f'Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>')

    def response(self, *role_and_provider: str, subject: str = "jane", issued: int = 0, expires: int = 300,
                 audience: str = "urn:amazon:webservices", recipient: str = SIGN_IN, session_end: int | None = None,
                 session_name: str = "jane@example.com", signed: bool = True, tamper: tuple[str, str] = ("", ""),
                 **attributes: str) -> str:
        """Base64 of a response whose assertion is signed; `tamper` replaces after that."""
        values = {"Role": ",".join(role_and_provider), "RoleSessionName": session_name} | {
            name.replace("__", ":"): value for name, value in attributes.items()}
        listed = "".join(
            f'<saml:Attribute Name="{ATTRIBUTES}{name}"><saml:AttributeValue>{escape(value)}</saml:AttributeValue>'
            "</saml:Attribute>" for name, value in values.items())
        until = f' SessionNotOnOrAfter="{moment(session_end)}"' if session_end is not None else ""
        head = (f'<saml:Assertion xmlns:saml="{SAML}" ID="_assertion" IssueInstant="{moment(issued)}" Version="2.0">'
                f"<saml:Issuer>{self.entity_id}</saml:Issuer>")
        tail = (f'<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}'
                '</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
                f'<saml:SubjectConfirmationData NotOnOrAfter="{moment(expires)}" Recipient="{recipient}">'
                "</saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>"
                f'<saml:Conditions NotBefore="{moment(issued - 60)}" NotOnOrAfter="{moment(expires)}">'
                f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
                f'</saml:Conditions><saml:AuthnStatement AuthnInstant="{moment(issued)}"{until}></saml:AuthnStatement>'
                f"<saml:AttributeStatement>{listed}</saml:AttributeStatement></saml:Assertion>")
        signature = self._signature(head + tail) if signed else ""
        text = (f'<samlp:Response xmlns:samlp="{PROTOCOL}" ID="_response" IssueInstant="{moment(issued)}" '
                f'Version="2.0" Destination="{recipient}"><saml:Issuer xmlns:saml="{SAML}">{self.entity_id}'
                f'</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>'
                f"</samlp:Status>{head}{signature}{tail}</samlp:Response>")
        before, after = tamper
        assert before in text, before
        return base64.b64encode((text.replace(before, after) if before else text).encode()).decode()

    def _signature(self, assertion: str) -> str:
        digest = base64.b64encode(hashlib.sha256(assertion.encode()).digest()).decode()
        content = (algorithm("CanonicalizationMethod", C14N)
                   + algorithm("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
                   + '<ds:Reference URI="#_assertion"><ds:Transforms>'
                   + algorithm("Transform", f"{DS}enveloped-signature") + algorithm("Transform", C14N)
                   + "</ds:Transforms>" + algorithm("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256")
                   + f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>")
        info = f'<ds:SignedInfo xmlns:ds="{DS}">{content}</ds:SignedInfo>'
        value = base64.b64encode(self._key.sign(info.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        return (f'<ds:Signature xmlns:ds="{DS}">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>')
