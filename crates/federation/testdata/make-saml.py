"""Makes canonical.json (by lxml) and the signed responses (by signxml and xmlsec1). Needs idp.key and idp-ec.key, the
keys of idp.pem and idp-ec.pem, which are not kept: new ones need new certificates."""
import json
import subprocess
import tempfile

from lxml import etree
from signxml import SignatureConstructionMethod, XMLSigner

CASES = [
    ("<a/>", "a", []),
    ("<a><!-- gone --><b/>te<!-- gone -->xt</a>", "a", []),
    ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<?go here?><a>\r\n<?pi  some data ?><?empty?></a>\n", "a", []),
    ("<a z='1' b='2' xmlns:q='urn:q' q:a='3' xmlns:p='urn:p' p:a='4'/>", "a", []),
    ("<a x='&lt;&amp;&quot;&#9;&#10;&#13;&apos;>' y=' two\n lines\t'>&lt;&amp;&gt;\"'&#13;&#10;</a>", "a", []),
    ("<a><![CDATA[<&>]]> &#x41;&#233;\u00e9\U0001F600</a>", "a", []),
    ("<a xmlns='urn:d'><b xmlns=''><c xmlns='urn:d'/></b></a>", "a", []),
    ("<a xmlns='urn:d'><b xmlns=''><c xmlns='urn:d'/></b></a>", "b", []),
    ("<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:1'/><p:c xmlns:p='urn:2'><p:d xmlns:p='urn:1'/></p:c></p:a>", "a", []),
    ("<r xmlns:p='urn:p' xmlns:unused='urn:u' xmlns='urn:d'><p:a><b p:x='1' y='2'/></p:a></r>", "a", []),
    ("<r xmlns:p='urn:p' xmlns:xs='urn:xs' xmlns='urn:d'><p:a><b p:x='xs:string'/></p:a></r>", "a", ["xs"]),
    ("<r xmlns:p='urn:p' xmlns:xs='urn:xs' xmlns='urn:d'><p:a><p:b t='xs:string'/></p:a></r>", "a", ["xs", "none"]),
    ("<r xmlns:xs='urn:1'><a><b xmlns:xs='urn:2'><c/></b></a></r>", "a", ["xs"]),
    ("<r xmlns:b='urn:z' xmlns:a='urn:y'><e b:m='1' a:m='2' m='3' xml:lang='en'/></r>", "e", []),
    ("<r xmlns='urn:d'><a xmlns=''/></r>", "a", []),
]


def canonical(xml, apex, inclusive):
    root = etree.fromstring(xml.encode())
    element = next(e for e in root.iter() if isinstance(e.tag, str) and etree.QName(e).localname == apex)
    out = etree.tostring(element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=inclusive)
    return out.decode()


cases = []
for xml, apex, inclusive in CASES:
    cases.append({"xml": xml, "apex": apex, "inclusive": inclusive, "canonical": canonical(xml, apex, inclusive)})
json.dump(cases, open("canonical.json", "w"), indent=1, ensure_ascii=True)

RESPONSE = open("response.xml").read()
DS = "http://www.w3.org/2000/09/xmldsig#"


def signed(key, cert, method, target):
    root = etree.fromstring(RESPONSE.encode())
    assertion = root.find("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
    element = assertion if target == "assertion" else root
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm="sha256",
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    made = signer.sign(element, key=open(key, "rb").read(), cert=open(cert).read(), reference_uri=element.get("ID"))
    if target == "assertion":
        root.replace(assertion, made)
        return etree.tostring(root)
    return etree.tostring(made)


open("signxml-assertion.xml", "wb").write(signed("idp.key", "idp.pem", "rsa-sha256", "assertion"))
open("signxml-response.xml", "wb").write(signed("idp.key", "idp.pem", "rsa-sha512", "response"))
open("signxml-ecdsa.xml", "wb").write(signed("idp-ec.key", "idp-ec.pem", "ecdsa-sha256", "assertion"))

TEMPLATE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
<ds:Reference URI="#_assertion"><ds:Transforms>
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/></ds:Transform>
</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>"""
marker = "<saml:Issuer>https://idp.example.com/metadata</saml:Issuer>"
head, tail = RESPONSE.rsplit(marker, 1)
with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
    file.write(head + marker + TEMPLATE + tail)
    file.flush()
    out = subprocess.run(
        ["xmlsec1", "--sign", "--privkey-pem", "idp.key,idp.pem", "--id-attr:ID",
         "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", file.name],
        check=True, capture_output=True,
    ).stdout
open("xmlsec1-assertion.xml", "wb").write(out)
