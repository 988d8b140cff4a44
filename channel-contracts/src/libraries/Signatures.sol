// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice Whether an address signed a digest.
library Signatures {
    /// @dev What a contract wallet may spend to judge a signature: enough for one that verifies P-256 in Solidity.
    uint256 internal constant WALLET_GAS = 400_000;

    /// @notice A key's signature, or what a contract wallet accepts as its own (ERC-1271).
    /// @dev The key is tried first: nearly every signer has one, and reading an account's code costs 2,600 gas.
    function isBy(bytes calldata signature, address signer, bytes32 digest) internal view returns (bool) {
        return isByKey(signature, signer, digest)
            || (signer.code.length > 0 && _isByWallet(signature, signer, digest));
    }

    /// @notice A key's signature only. Malleable and short forms are refused.
    function isByKey(bytes calldata signature, address signer, bytes32 digest) internal pure returns (bool) {
        (address recovered, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, signature);
        return problem == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @notice A key's signature in the short form of ERC-2098.
    function isByKey(bytes32 r, bytes32 vs, address signer, bytes32 digest) internal pure returns (bool) {
        (address recovered, ECDSA.RecoverError problem,) = ECDSA.tryRecover(digest, r, vs);
        return problem == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @dev Bounded in gas, and one word of its answer is read: a wallet cannot use up what a batch needs after it.
    function _isByWallet(bytes calldata signature, address signer, bytes32 digest)
        private
        view
        returns (bool accepted)
    {
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 expected = IERC1271.isValidSignature.selector;
        uint256 most = WALLET_GAS;
        assembly ("memory-safe") {
            accepted := staticcall(most, signer, add(question, 0x20), mload(question), 0, 0x20)
            accepted := and(and(accepted, gt(returndatasize(), 0x1f)), eq(mload(0), expected))
        }
    }
}
