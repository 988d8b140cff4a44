import { constants, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Replaces `path` so that a crash leaves the old or the new text, never a part: both file and name are on disk. Where
 * others may write in its folder, no link that they laid there is followed.
 *
 * @param owner - Who gets it, by root; left out: whoever writes it.
 */
export async function writeFileDurably(
  path: string,
  text: string,
  mode = 0o600,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  await rm(draft, { force: true })
  const file = await open(draft, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, mode)
  const fill = async () => {
    if (owner) await file.chown(owner.uid, owner.gid)
    await file.writeFile(text)
    await file.sync()
  }
  try {
    await fill().finally(() => file.close())
    await rename(draft, path)
  } catch (error) {
    // What a full disk took of it would keep its place for ever.
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
