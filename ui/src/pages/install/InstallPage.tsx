import { useEffect } from "react";
import { AUTHORITY_FILES, siteApi } from "../../api/site";
import { client } from "../../api/client";
import { Skeleton } from "../../kit/parts";
import { dateText } from "../../kit/time";
import { en } from "../../text/en";
import { installText as words } from "../../text/site";
import { fingerprintText } from "../../widgets/fingerprint";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked } from "../../widgets/site";
import "./install.css";

type Platform = keyof typeof words.platforms;
type FileName = keyof typeof AUTHORITY_FILES;

const FILES: Readonly<Record<Platform, readonly FileName[]>> = {
  ios: ["mobileconfig"],
  android: ["der"],
  windows: ["der"],
  macos: ["mobileconfig", "pem"],
  linux: ["pem"],
  firefox: ["pem"],
};

/** Which platform this browser says it runs on; a guess that only opens one of the sections. */
export function platformOf(agent: string): Platform | null {
  if (/iPhone|iPad|iPod/.test(agent)) return "ios";
  if (agent.includes("Android")) return "android";
  if (agent.includes("Firefox/")) return "firefox";
  if (agent.includes("Windows")) return "windows";
  if (agent.includes("Mac OS X")) return "macos";
  return agent.includes("Linux") ? "linux" : null;
}

/** Open to anyone: how this device learns to trust the site. */
export function InstallPage() {
  const setup = useAsked((signal) => client.setup(signal), "setup", null);
  const authority = useAsked((signal) => siteApi.authority(signal), "authority", null);
  const siteName = setup.value?.site_name ?? en.product;
  useEffect(() => {
    document.title = words.title(siteName);
  }, [siteName]);
  const mine = platformOf(navigator.userAgent);
  const all = Object.keys(words.platforms) as readonly Platform[];
  const order = mine === null ? all : [mine, ...all.filter((one) => one !== mine)];
  const { value, problem, refresh } = authority;
  return (
    <main className="install" id="main">
      <h1>{words.title(siteName)}</h1>
      <p>{words.why}</p>
      <p className="hint">{words.limits}</p>
      <section aria-label={words.compare}>
        <h2>{words.compare}</h2>
        {value === null && problem === null && <Skeleton rows={2} label={en.common.loading} />}
        {value === null && problem !== null && <ProblemBox problem={problem} onRetry={refresh} />}
        {value !== null && (
          <>
            <p className="hint">{words.fingerprint}</p>
            <p className="mono fingerprint" data-testid="fingerprint">
              {fingerprintText(value.fingerprint_sha256)}
            </p>
            <p className="hint">{words.until(dateText(value.not_after_us, "UTC"))}</p>
            <p>{words.compareHint}</p>
          </>
        )}
      </section>
      {order.map((platform) => (
        <details key={platform} open={platform === mine} data-testid={`platform-${platform}`}>
          <summary>
            {words.platforms[platform].title}
            {platform === mine && <span className="tag">{words.yours}</span>}
          </summary>
          <div className="group">
            {FILES[platform].map((file) => (
              <a key={file} className="button button-primary" href={AUTHORITY_FILES[file]} download>
                {words.download(words.files[file])}
              </a>
            ))}
          </div>
          <ol>
            {words.platforms[platform].steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </details>
      ))}
      <p>{value?.host_name == null ? words.noHostName : words.hostName(value.host_name)}</p>
      <p>
        <a className="button" href="/">
          {words.back}
        </a>
      </p>
    </main>
  );
}
