import { Button } from "../kit/parts";
import { en } from "../text/en";
import { GRIDS, type GridSize } from "./tiles";

interface GridPickerProps {
  readonly size: GridSize;
  readonly largest: GridSize;
  readonly onChange: (size: GridSize) => void;
}

export function GridPicker({ size, largest, onChange }: GridPickerProps) {
  return (
    <div className="group" role="group" aria-label={en.live.layout}>
      {GRIDS.filter((one) => one <= largest).map((one) => (
        <Button
          key={one}
          label={en.live.layoutOf(one)}
          pressed={one === size}
          onClick={() => onChange(one)}
          testId={`grid-${one}`}
        >
          {one}
        </Button>
      ))}
    </div>
  );
}
