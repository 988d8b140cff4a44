import { sumTrees } from '../../sumTree.js'
import { hexBlob, hexFrom } from './blob.js'
import { keccak256 } from './keccak.js'

export type { Owed, SumProof, SumTree } from '../../sumTree.js'

export const { sumTree, provesSum } = sumTrees((data) => hexFrom(keccak256(hexBlob(data))))
