/** Words of settings, the vault and the page that installs the authority. */

export const settingsText = {
  title: "Settings",
  pages: "Pages of settings",
  save: "Save",
  saving: "Saving…",
  saved: (title: string) => `${title}: saved.`,
  unsaved: "Not saved yet",
  reset: "Discard",
  changed: (by: string, at: string) => `Last changed by ${by}, ${at}`,
  firstValues: "Never changed: the values of the first start.",
  readOnly: "You may read these settings; changing them needs the permission “system.manage”.",
  empty: "There are no settings",
  emptyHint: "This server offers no settings to change on the page.",
  stale: "The server does not answer; what you see may be old. Saving waits until it is back.",
  fix: (count: number) =>
    count === 1 ? "One field needs a correction." : `${count} fields need a correction.`,
  form: {
    addItem: (title: string) => `Add to “${title}”`,
    removeItem: (value: string, title: string) => `Take “${value}” out of “${title}”`,
    item: (title: string, n: number) => `${title}, ${n}`,
    emptyList: "Nothing in the list.",
    required: "Needed",
    notNumber: "Write a number.",
    notWhole: "Write a whole number.",
    tooSmall: (least: number) => `At least ${least}.`,
    tooLarge: (most: number) => `At most ${most}.`,
    tooShort: (least: number) =>
      least === 1 ? "This field may not be empty." : `At least ${least} characters.`,
    tooLong: (most: number) => `At most ${most} characters.`,
    tooMany: (most: number) => `At most ${most} entries.`,
    unknownKind: "This field has a form this page does not know; it is kept as it is.",
    none: "None",
  },
  zone: {
    search: "Search time zones",
    list: "Time zones",
    chosen: (zone: string) => `Chosen: ${zone}`,
    browser: (zone: string) => `Use this browser's: ${zone}`,
    nothing: (words: string) => `No time zone matches “${words}”.`,
    now: (at: string) => `Time there now: ${at}`,
  },
} as const;

/** Words for enumerated values of known settings; the value itself where none are known. */
export const CHOICES: Readonly<Record<string, string>> = {
  eu_general: "European Union: general rules (GDPR, Law Enforcement Directive)",
  strictest: "Strictest: the narrowest rule of all we know",
  other: "Another country",
  no: "No",
  any: "Any port",
  entered: "Somebody or something enters",
  present: "It stays",
  left: "It leaves",
  low: "Low",
  normal: "Normal",
  high: "High",
  critical: "Critical",
};

export const vaultText = {
  locked: "The vault is locked",
  lockedLong: (since: string) =>
    `The vault is locked since ${since}. Recording and live go on; playback, downloads and adding cameras wait for its passphrase.`,
  unlock: "Unlock",
  title: "Unlock the vault",
  hint: "The passphrase opens the keys of the recordings and the cameras' passwords. It is never stored.",
  passphrase: "Vault passphrase",
  unlocked: "The vault is open.",
  askAdministrator: "Ask an administrator to unlock it.",
  module: "The keys lie in a hardware module: type its PIN.",
} as const;

export const installText = {
  title: (site: string) => `Trust ${site} on this device`,
  why: "This site makes its own certificates. Until this device knows the site's authority, its browser warns of a foreign server. After the steps below the warning is gone, and nobody between you and the site can listen.",
  limits:
    "The authority can speak for this site's names and for private networks only, never for other web sites.",
  compare: "First compare the fingerprint",
  compareHint:
    "Read it from the terminal in which the server was started, or have the administrator read it to you over the phone. Every pair of characters must agree; if one differs, stop: somebody stands between you and the site.",
  fingerprint: "SHA-256 fingerprint of the authority",
  until: (at: string) => `Valid until ${at}`,
  hostName: (name: string) => `Afterwards open https://${name}`,
  noHostName:
    "This site has no host name yet. Phones trust a name more readily than an address: ask the administrator to set one in Settings, Site.",
  yours: "probably this device",
  download: (what: string) => `Download ${what}`,
  files: { mobileconfig: "the profile", der: "the certificate (DER, .crt)", pem: "the certificate (PEM)" },
  back: "Go to the site",
  platforms: {
    ios: {
      title: "iPhone, iPad",
      steps: [
        "Open this page in Safari and download the profile.",
        "Settings → General → VPN & Device Management → the downloaded profile → Install.",
        "Settings → General → About → Certificate Trust Settings → switch the authority on.",
        "Reload the site in Safari.",
      ],
    },
    android: {
      title: "Android",
      steps: [
        "Download the certificate (DER).",
        "Settings → Security & privacy → More security settings → Encryption & credentials → Install a certificate → CA certificate.",
        "Android warns that a CA can watch traffic. This one is limited to the site's names. Choose Install anyway and pick the file.",
        "Close the browser fully and open the site again.",
      ],
    },
    windows: {
      title: "Windows",
      steps: [
        "Download the certificate (DER) and open it.",
        "Install Certificate → Local Machine (or Current User) → Place all certificates in the following store → Trusted Root Certification Authorities.",
        "Compare the thumbprint details, confirm, and restart the browser.",
      ],
    },
    macos: {
      title: "macOS",
      steps: [
        "Download the profile and open it; then System Settings → General → Device Management → Install.",
        "Or download the PEM file, open it in Keychain Access, and set Trust → Secure Sockets Layer to Always Trust.",
        "Restart the browser.",
      ],
    },
    linux: {
      title: "Linux with Chromium or Chrome",
      steps: [
        "Download the certificate (PEM).",
        "Open chrome://certificate-manager → Local certificates → Installed by you → Trusted certificates → Import, and pick the file.",
        "Or in a terminal: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Civiscope -i civiscope-authority.pem",
      ],
    },
    firefox: {
      title: "Firefox, on any desk",
      steps: [
        "Download the certificate (PEM).",
        "Settings → Privacy & Security → Certificates → View Certificates → Authorities → Import.",
        "Tick “Trust this CA to identify websites” and confirm.",
      ],
    },
  },
} as const;
