import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces `path` so that a crash leaves the old or the new text, never a part: both file and name are on disk. */
export async function writeFileDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  const file = await open(draft, 'w', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
