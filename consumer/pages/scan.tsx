import { useEffect, useRef, useState } from 'preact/hooks'
import { Dialog } from '../../shared/pages/parts.js'
import { right } from '../../shared/pages/server.js'
import { codeInFile, codesSeen } from './codes.js'
import { texts } from './texts.js'

const { scan: words } = texts

interface Sought {
  /** Whether a text is of the kind that is sought; other codes are passed over. */
  readonly isWanted: (text: string) => boolean
  readonly found: (text: string) => void
}

/** Reads a QR code by the camera, or from a picture in a file. Neither leaves the page. */
export function Scan({ isWanted, found }: Sought) {
  const [isOpen, setOpen] = useState(false)
  const [refused, setRefused] = useState('')
  const file = useRef<HTMLInputElement>(null)
  const isDisabled = right.value !== 'act'
  const look = async (picture: File) => {
    const text = await codeInFile(picture)
    if (text !== undefined && isWanted(text)) return found(text)
    setRefused(text === undefined ? words.noCode : words.otherCode)
  }
  return (
    <div class="stack">
      <div class="row form">
        <button
          type="button"
          disabled={isDisabled}
          onClick={() => {
            setRefused('')
            setOpen(true)
          }}
        >
          {words.camera}
        </button>
        <button type="button" disabled={isDisabled} onClick={() => file.current?.click()}>
          {words.file}
        </button>
        <input
          ref={file}
          type="file"
          accept="image/*"
          aria-label={words.file}
          hidden
          onChange={({ currentTarget }) => {
            const [picture] = currentTarget.files ?? []
            setRefused('')
            if (picture !== undefined) look(picture).catch(() => setRefused(words.noPicture))
            // The same one may be chosen once more.
            currentTarget.value = ''
          }}
        />
      </div>
      {refused === '' ? null : (
        <p class="notice bad" role="alert">
          {refused}
        </p>
      )}
      {isOpen ? <Camera isWanted={isWanted} found={found} closed={() => setOpen(false)} /> : null}
    </div>
  )
}

function Camera({ isWanted, found, closed }: Sought & { closed: () => void }) {
  const video = useRef<HTMLVideoElement>(null)
  const [says, setSays] = useState<string>(words.asking)
  const [isRefused, setRefused] = useState(false)
  useEffect(() => {
    const over = new AbortController()
    const watch = async (screen: HTMLVideoElement) => {
      for await (const text of codesSeen(screen, over.signal)) {
        setSays(text === undefined ? words.hold : words.otherCode)
        if (text === undefined || !isWanted(text)) continue
        closed()
        return found(text)
      }
    }
    if (video.current !== null)
      watch(video.current).catch(({ name }: Error) => {
        if (over.signal.aborted) return
        setRefused(true)
        setSays(words.failures[name] ?? words.failure)
      })
    return () => over.abort()
  }, [])
  return (
    <Dialog name={words.camera} closed={closed}>
      <video ref={video} class="camera" muted playsInline hidden={isRefused} />
      <p class={isRefused ? 'notice bad' : 'soft'} role="status">
        {says}
      </p>
      <div>
        <button type="button" onClick={closed}>
          {words.close}
        </button>
      </div>
    </Dialog>
  )
}
