/** Commands of the documents that no journey follows, and why. */
export const notFollowed: Readonly<Record<string, Readonly<Record<string, string>>>> = {}
