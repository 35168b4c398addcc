import { go } from "../../kit/address";
import { Button, StateBox } from "../../kit/parts";
import { useShortcuts } from "../../kit/shortcuts";
import { en } from "../../text/en";
import { CameraTree } from "../../widgets/CameraTree";
import { GridPicker } from "../../widgets/GridPicker";
import { LiveTile } from "../../widgets/LiveTile";
import { DeniedBox } from "../../widgets/ProblemBox";
import { PurposeNeeded } from "../../widgets/PurposeNeeded";
import { purposeCovers, useSite } from "../../widgets/site";
import { TileFrame } from "../../widgets/TileFrame";
import { choose, put, useTiles, type Tiles } from "../../widgets/tiles";

function move(by: number): (tiles: Tiles) => Tiles {
  return (tiles) => ({ ...tiles, selected: (tiles.selected + by + tiles.size) % tiles.size });
}

function empty(index: number): (tiles: Tiles) => Tiles {
  return (tiles) => ({
    ...tiles,
    slots: tiles.slots.map((slot, one) => (one === index ? null : slot)),
    maximised: null,
  });
}

export function LivePage() {
  const site = useSite();
  const ids = (site.channels.value ?? []).map((one) => one.id);
  const { tiles, change, pick, reset } = useTiles("live", 16, 16, ids);

  const maximise = (index: number) =>
    change((old) => ({ ...old, selected: index, maximised: old.maximised === null ? index : null }));
  const toPlayback = () => {
    const chosen = tiles.slots[tiles.selected];
    go(chosen ? `/playback?grid=1&tiles=${chosen}` : "/playback");
  };
  useShortcuts(en.keys.live, [
    ["f", en.keys.maximise, () => maximise(tiles.selected)],
    ["Escape", en.keys.back, () => change((old) => ({ ...old, maximised: null }))],
    ["ArrowLeft", en.keys.previousTile, () => change(move(-1))],
    ["ArrowRight", en.keys.nextTile, () => change(move(1))],
    ["Delete", en.keys.clearTile, () => change(empty(tiles.selected))],
    ["p", en.keys.toPlayback, toPlayback],
  ]);

  if (!site.can("video.live")) return <DeniedBox permission="video.live" />;
  return (
    <div className="watch">
      <CameraTree shown={tiles.slots} onChoose={(id) => change((old) => choose(old, id))} />
      <section className="watch-main" aria-label={en.pages.live}>
        <div className="toolbar">
          <h1>{en.pages.live}</h1>
          <GridPicker size={tiles.size} largest={16} onChange={pick} />
          <Button onClick={reset} disabled={ids.length === 0} testId="fill">
            {en.live.fill}
          </Button>
          <Button onClick={toPlayback} testId="to-playback">
            {en.live.playback}
          </Button>
        </div>
        {site.purpose === null || !purposeCovers(site, "live") ? (
          <PurposeNeeded lacks={site.purpose === null ? null : en.live.purposeLacksLive} />
        ) : (
          <div className={`grid grid-${tiles.maximised === null ? tiles.size : 1}`} data-testid="grid">
            {tiles.slots.map((slot, index) => (
              <Slot
                key={`${index} ${slot ?? ""} ${site.purpose ?? ""}`}
                index={index}
                channelId={slot}
                tiles={tiles}
                onSelect={() => change((old) => ({ ...old, selected: index }))}
                onMaximise={() => maximise(index)}
                onClear={() => change(empty(index))}
                onDropChannel={(id) => change((old) => put(old, index, id))}
              />
            ))}
          </div>
        )}
      </section>
    </div>
  );
}

interface SlotProps {
  readonly index: number;
  readonly channelId: string | null;
  readonly tiles: Tiles;
  readonly onSelect: () => void;
  readonly onMaximise: () => void;
  readonly onClear: () => void;
  readonly onDropChannel: (id: string) => void;
}

function Slot({ channelId, tiles, onClear, ...rest }: SlotProps) {
  const site = useSite();
  const shared = {
    ...rest,
    isSelected: tiles.selected === rest.index,
    isMaximised: tiles.maximised === rest.index,
    isHidden: tiles.maximised !== null && tiles.maximised !== rest.index,
  };
  if (channelId === null) {
    return (
      <TileFrame {...shared} name={en.live.emptyTile} state="idle">
        <StateBox title={en.live.emptyTile}>
          <p>{en.live.emptyTileHint}</p>
        </StateBox>
      </TileFrame>
    );
  }
  const channel = site.channels.value?.find((one) => one.id === channelId) ?? null;
  return (
    <LiveTile
      {...shared}
      onClear={onClear}
      channelId={channelId}
      channel={channel}
      purpose={site.purpose ?? ""}
    />
  );
}
