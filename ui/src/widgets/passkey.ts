/** The browser's side of passkeys (W3C WebAuthn Level 3, §5.1.8 to §5.1.10): JSON in, JSON out. */

export function hasPasskeys(): boolean {
  return (
    "PublicKeyCredential" in window && typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function"
  );
}

function jsonOf(credential: Credential | null): unknown {
  return credential instanceof PublicKeyCredential ? credential.toJSON() : null;
}

/** A new passkey by the server's options; null when the person or the device said no. */
export async function createPasskey(options: unknown): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  );
  try {
    return jsonOf(await navigator.credentials.create({ publicKey }));
  } catch {
    return null;
  }
}

/** The answer of a passkey to the server's question; null when the person or the device said no. */
export async function askPasskey(options: unknown): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  );
  try {
    return jsonOf(await navigator.credentials.get({ publicKey }));
  } catch {
    return null;
  }
}
