import { lazy, Suspense, useState } from "react";
import { devicesApi, type Device, type DevicePurpose, type Group } from "../../api/devices";
import type { Channel } from "../../api/types";
import { go, useAddress } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Link, Skeleton, StateBox } from "../../kit/parts";
import { en } from "../../text/en";
import { addingText, devicesText as words } from "../../text/devices";
import { AddFlow, WAYS, type Way } from "../../widgets/adding/AddFlow";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { BulkEdit } from "./BulkEdit";
import { DeviceDetail } from "./DeviceDetail";
import { DeviceTree } from "./DeviceTree";
import { GroupsDialog } from "./GroupsDialog";
import { RemovedCameras } from "./RemovedCameras";
import "./devices.css";

const WatchesPage = lazy(async () => ({ default: (await import("./watches/WatchesPage")).WatchesPage }));

const DEVICES_EVERY_MS = 10_000;

/** /devices, /devices/add, /devices/<camera>, /devices/<camera>/watches. */
export function DevicesPage() {
  const site = useSite();
  const { pathname, searchParams } = useAddress();
  if (!site.can("channel.list")) return <DeniedBox permission="channel.list" />;
  const shown = pathname.split("/")[2] ?? "";
  if (shown === "add") {
    const asked = WAYS.find((one) => one === searchParams.get("way"));
    return <AddPage way={asked ?? "address"} />;
  }
  const [, , , part, rest] = pathname.split("/");
  if (part === "watches") return <Watching channelId={shown} rest={rest ?? ""} />;
  return <DevicesBoard shown={shown === "" ? null : shown} />;
}

function Watching({ channelId, rest }: { readonly channelId: string; readonly rest: string }) {
  const { channels } = useSite();
  const channel = channels.value?.find((one) => one.id === channelId) ?? null;
  if (channel !== null) {
    return (
      <Suspense fallback={<Skeleton rows={5} label={en.common.loading} />}>
        <WatchesPage channel={channel} shown={rest} />
      </Suspense>
    );
  }
  if (channels.value === null) {
    return channels.problem === null ? (
      <Skeleton rows={5} label={en.common.loading} />
    ) : (
      <ProblemBox problem={channels.problem} onRetry={channels.refresh} />
    );
  }
  return (
    <StateBox title={en.live.gone} sign="camera">
      <Link to="/devices" go={go} className="button">
        {addingText.back}
      </Link>
    </StateBox>
  );
}

function AddPage({ way }: { readonly way: Way }) {
  const { can } = useSite();
  if (!can("camera.add")) return <DeniedBox permission="camera.add" />;
  return (
    <section className="page" aria-label={addingText.title}>
      <div className="toolbar">
        <h1>{addingText.title}</h1>
        <Link to="/devices" go={go} className="button">
          {addingText.back}
        </Link>
      </div>
      <AddFlow way={way} onWay={(next) => go(`/devices/add?way=${next}`)} onDone={() => go("/devices")} />
    </section>
  );
}

/** What the board's parts know of the site's devices. */
interface Known {
  readonly channels: readonly Channel[];
  readonly devices: readonly Device[];
  readonly groups: readonly Group[];
  readonly purposes: readonly DevicePurpose[];
  readonly refresh: () => void;
}

function DevicesBoard({ shown }: { readonly shown: string | null }) {
  const site = useSite();
  const { value: channels, problem, refresh } = site.channels;
  const devices = useAsked((signal) => devicesApi.list(signal), "devices", DEVICES_EVERY_MS);
  const groups = useAsked((signal) => devicesApi.groups(signal), "groups", null);
  const purposes = useAsked((signal) => devicesApi.purposes(signal), "purposes", null);
  const [isGroups, setGroups] = useState(false);
  const known: Known = {
    channels: channels ?? [],
    devices: devices.value ?? [],
    groups: groups.value ?? [],
    purposes: purposes.value ?? [],
    refresh: () => {
      refresh();
      devices.refresh();
      groups.refresh();
    },
  };
  return (
    <section className="page" aria-label={words.title}>
      <Head onGroups={() => setGroups(true)} />
      {channels === null && problem === null && <Skeleton rows={5} label={en.common.loading} />}
      {problem !== null && channels === null && <ProblemBox problem={problem} onRetry={refresh} />}
      {devices.problem !== null && channels !== null && (
        <p className="field-warning" role="status">
          <Icon name="diamond" /> {words.stale} {problemWords(devices.problem)}
        </p>
      )}
      {channels?.length === 0 && (
        <StateBox title={words.empty} sign="camera" testId="no-cameras">
          <p>{words.emptyHint}</p>
        </StateBox>
      )}
      {known.channels.length > 0 && <Board known={known} shown={shown} />}
      {channels !== null && <RemovedCameras present={channels} />}
      {isGroups && (
        <GroupsDialog
          groups={groups}
          onClose={() => {
            setGroups(false);
            known.refresh();
          }}
        />
      )}
    </section>
  );
}

function Head({ onGroups }: { readonly onGroups: () => void }) {
  const { can } = useSite();
  const canAdd = can("camera.add");
  const canEdit = can("camera.edit");
  return (
    <div className="toolbar">
      <h1>{words.title}</h1>
      <Button
        kind="primary"
        onClick={() => go("/devices/add")}
        disabled={!canAdd}
        label={canAdd ? words.add : en.problem.denied("camera.add")}
        testId="add-camera"
      >
        {words.add}
      </Button>
      <Button
        onClick={onGroups}
        disabled={!canEdit}
        label={canEdit ? words.groups.manage : en.problem.denied("camera.edit")}
        testId="groups"
      >
        <Icon name="folder" /> {words.groups.manage}
      </Button>
    </div>
  );
}

function Board({ known, shown }: { readonly known: Known; readonly shown: string | null }) {
  const { channels, devices, groups, purposes, refresh } = known;
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  // A camera that was removed meanwhile is not changed with the others.
  const chosen = new Set(channels.filter((one) => ticked.has(one.id)).map((one) => one.id));
  const channel = channels.find((one) => one.id === shown) ?? null;
  const isIdle = channel === null && chosen.size === 0;
  return (
    <div className={isIdle ? "board" : "board is-open"}>
      <DeviceTree
        channels={channels}
        devices={devices}
        groups={groups}
        chosen={chosen}
        shown={shown}
        onChoose={setTicked}
      />
      <div className="board-main">
        {chosen.size > 0 && (
          <BulkEdit
            ids={[...chosen]}
            purposes={purposes}
            groups={groups}
            onClear={() => setTicked(new Set())}
            onChanged={refresh}
          />
        )}
        {channel !== null && (
          <DeviceDetail
            key={channel.id}
            channel={channel}
            device={devices.find((one) => one.id === channel.device_id) ?? null}
            devices={devices}
            purposes={purposes}
            groups={groups}
            onChanged={refresh}
          />
        )}
        {isIdle && (
          <StateBox title={words.chooseTitle} sign="camera">
            <p>{words.choose}</p>
          </StateBox>
        )}
      </div>
    </div>
  );
}
