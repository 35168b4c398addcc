import type { DragEvent, ReactNode, RefObject } from "react";
import { Icon } from "../kit/icons";
import { Button } from "../kit/parts";
import { en } from "../text/en";

export const CHANNEL_DRAG = "application/x-civiscope-channel";

interface TileFrameProps {
  readonly index: number;
  readonly name: string;
  readonly state: string;
  readonly isSelected: boolean;
  readonly isMaximised: boolean;
  readonly isHidden: boolean;
  readonly isCanvasShown?: boolean;
  readonly frameRef?: RefObject<HTMLDivElement | null>;
  readonly badges?: ReactNode;
  readonly foot?: ReactNode;
  readonly children?: ReactNode;
  readonly onSelect: () => void;
  readonly onMaximise: () => void;
  readonly onClear?: (() => void) | undefined;
  readonly onDropChannel: (id: string) => void;
}

/** The frame of every tile: name, badges, a place for pictures, and the ways to choose, enlarge and empty it. */
export function TileFrame({ frameRef, ...props }: TileFrameProps) {
  const over = (event: DragEvent) => {
    if (event.dataTransfer.types.includes(CHANNEL_DRAG)) event.preventDefault();
  };
  const drop = (event: DragEvent) => {
    const id = event.dataTransfer.getData(CHANNEL_DRAG);
    if (id === "") return;
    event.preventDefault();
    props.onDropChannel(id);
  };
  const classes = ["tile", `tile-${props.state}`];
  if (props.isSelected) classes.push("is-selected");
  if (props.isMaximised) classes.push("is-maximised");
  if (props.isCanvasShown === true) classes.push("is-canvas");
  return (
    // Dropping is a second way only: the camera list does the same by click and keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={frameRef}
      className={classes.join(" ")}
      role="group"
      aria-label={en.live.selectTile(props.index + 1, props.name)}
      data-testid={`tile-${props.index}`}
      data-state={props.state}
      hidden={props.isHidden}
      onDragOver={over}
      onDrop={drop}
    >
      {props.children}
      <button
        type="button"
        className="tile-cover"
        aria-pressed={props.isSelected}
        aria-label={en.live.selectTile(props.index + 1, props.name)}
        onClick={props.onSelect}
        onDoubleClick={props.onMaximise}
      />
      <div className="tile-head">
        <span className="tile-name">{props.name}</span>
        {props.badges}
      </div>
      {props.onClear !== undefined && (
        <div className="tile-tools">
          <Button
            kind="quiet"
            onClick={props.onMaximise}
            label={props.isMaximised ? en.live.restore : en.live.maximise}
          >
            <Icon name={props.isMaximised ? "shrink" : "enlarge"} />
          </Button>
          <Button kind="quiet" onClick={props.onClear} label={en.live.clear}>
            <Icon name="close" />
          </Button>
        </div>
      )}
      {props.foot}
    </div>
  );
}
