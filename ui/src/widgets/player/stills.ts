/** Pictures on a canvas: JPEG streams, and the last still of a video that has just gone. */

/** Paint whatever the video shows now, so that a tile keeps its last picture while it starts anew. */
export function keepStill(video: HTMLVideoElement, canvas: HTMLCanvasElement): boolean {
  if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return false;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return true;
}

/** Paints JPEG pictures one at a time; while one is being decoded only the newest waits. */
export class JpegPainter {
  private waiting: { readonly data: Uint8Array<ArrayBuffer>; readonly tag: number } | null = null;
  private isBusy = false;
  private isClosed = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onPainted: (tag: number) => void,
  ) {}

  paint(data: Uint8Array<ArrayBuffer>, tag: number): void {
    this.waiting = { data, tag };
    if (!this.isBusy) void this.work();
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting !== null && !this.isClosed) {
      const { data, tag } = this.waiting;
      this.waiting = null;
      await this.paintOne(data, tag);
    }
    this.isBusy = false;
  }

  private async paintOne(data: Uint8Array<ArrayBuffer>, tag: number): Promise<void> {
    let picture: ImageBitmap;
    try {
      picture = await createImageBitmap(new Blob([data], { type: "image/jpeg" }));
    } catch {
      return; // a damaged picture: the one before stays, its age grows
    }
    if (!this.isClosed) {
      if (this.canvas.width !== picture.width) this.canvas.width = picture.width;
      if (this.canvas.height !== picture.height) this.canvas.height = picture.height;
      this.canvas.getContext("2d")?.drawImage(picture, 0, 0);
      this.onPainted(tag);
    }
    picture.close();
  }

  close(): void {
    this.isClosed = true;
    this.waiting = null;
  }
}
