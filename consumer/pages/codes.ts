/** How often what a camera sees is looked at: soon enough for a hand, seldom enough for a phone. */
const everyMs = 120
/** How long one look may go on where nothing is found at once. */
const cameraMs = 30
const fileMs = 2_000
/** Pixels of a side: more show a code no better, and take longer. */
const maxSide = 2_000

/**
 * The texts of the QR codes that a camera sees; first nothing, once it sees. Whoever may not look is asked by the browser.
 *
 * @param video - Shows what is seen.
 * @param signal - Switches the camera off.
 * @throws DOMException whose name says why there is no picture
 */
export async function* codesSeen(
  video: HTMLVideoElement,
  signal: AbortSignal,
): AsyncGenerator<string | undefined> {
  // Left out by browsers for pages that are not from this machine or encrypted.
  const cameras: MediaDevices | undefined = navigator.mediaDevices
  if (cameras === undefined) throw new DOMException('No cameras for these pages.', 'NotSupportedError')
  const stream = await cameras.getUserMedia({
    video: { facingMode: 'environment', width: { ideal: 1_280 }, height: { ideal: 720 } },
  })
  try {
    const find = await createFinder(cameraMs)
    video.srcObject = stream
    if (!signal.aborted) await video.play()
    if (!signal.aborted) yield undefined
    while (!signal.aborted) {
      if (!stream.active) throw new DOMException('The camera has gone.', 'NotFoundError')
      const text = find(video, video.videoWidth, video.videoHeight)
      if (text !== undefined) yield text
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  } finally {
    for (const track of stream.getTracks()) track.stop()
  }
}

/**
 * The text of the QR code in a picture.
 *
 * @returns undefined where there is none
 * @throws DOMException for what is no picture
 */
export async function codeInFile(file: Blob): Promise<string | undefined> {
  const [picture, find] = await Promise.all([createImageBitmap(file), createFinder(fileMs)])
  try {
    return find(picture, picture.width, picture.height)
  } finally {
    picture.close()
  }
}

type Finder = (picture: CanvasImageSource, width: number, height: number) => string | undefined

/** What finds codes is loaded by whoever looks for one. @param timeLimit - Milliseconds for second thoughts about one picture */
async function createFinder(timeLimit: number): Promise<Finder> {
  const { decodeQR } = await import('qr/decode.js')
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  if (context === null) throw new DOMException('Pictures cannot be read.', 'NotSupportedError')
  const { canvas } = context
  return (picture, width, height) => {
    const scale = Math.min(1, maxSide / Math.max(width, height))
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    if (canvas.width === 0 || canvas.height === 0) return undefined
    context.drawImage(picture, 0, 0, canvas.width, canvas.height)
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height), { timeLimit })
    } catch {
      // It throws for a picture without a code, and for a code that cannot be read.
      return undefined
    }
  }
}
