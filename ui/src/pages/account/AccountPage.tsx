import { accountText as words } from "../../text/people";
import { useSite } from "../../widgets/site";
import { Passkeys } from "./Passkeys";
import { PasswordForm } from "./PasswordForm";
import { OwnSessions } from "./OwnSessions";
import { Tokens } from "./Tokens";
import { Totp } from "./Totp";

/** What belongs to the person who is signed in: how they sign in, where they are, and their tokens. */
export function AccountPage() {
  const site = useSite();
  return (
    <section className="page" aria-label={words.title} data-testid="account-page">
      <h1>{words.title}</h1>
      <PasswordForm />
      <Totp />
      <Passkeys />
      <OwnSessions />
      {site.can("token.manage") && <Tokens />}
    </section>
  );
}
