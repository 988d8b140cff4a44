// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Permit} from "../interfaces/IIdentityRegistry.sol";

/// @notice The ways tokens come in, and how they leave when somebody else must not be held up by it.
library Tokens {
    using SafeERC20 for IERC20;

    /// @dev What a transfer that may fail is given: five times what the dearest of the usual tokens takes.
    uint256 internal constant TRANSFER_GAS = 300_000;
    /// @dev What must be there to give it that: 63 parts of 64 can be handed on (EIP-150), after the price of a call.
    uint256 private constant NEEDED_GAS = TRANSFER_GAS + TRANSFER_GAS / 32;

    /// @notice See IChannelMoney.
    error TokensMissing(uint256 received, uint256 expected);
    /// @notice See IChannelMoney.
    error AmountTooLarge(uint256 amount, uint256 maximum);
    /// @notice See IChannelMoney.
    error GasMissing(uint256 left, uint256 needed);

    /// @notice Takes tokens and demands that exactly so many arrived: a token that keeps a fee is refused.
    /// What this contract holds in all must fit 128 bits, so that no sum in it can ever overflow.
    function pull(IERC20 token, address from, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        if (held - before != amount) revert TokensMissing(held - before, amount);
        if (held > type(uint128).max) revert AmountTooLarge(held, type(uint128).max);
    }

    /// @notice Pays, or says that the token refuses to: a receiver that is blocked, or whose hook fails, holds up nobody.
    /// Nothing is paid without asking the token, since some refuse that too.
    /// @dev A transfer that fails must have had its gas, else a stranger could make it fail by sending little. What is
    /// left afterwards does not tell: a receiver may look at its gas first, and hand back all of it.
    function tryPay(IERC20 token, address to, uint256 amount) internal returns (bool paid) {
        if (amount == 0) return true;
        uint256 most = TRANSFER_GAS;
        uint256 left = gasleft();
        bytes32 selector = IERC20.transfer.selector;
        assembly ("memory-safe") {
            let order := mload(0x40)
            mstore(order, selector)
            mstore(add(order, 0x04), to)
            mstore(add(order, 0x24), amount)
            paid := call(most, token, 0, order, 0x44, 0, 0x20)
            // A token may answer nothing; what it answers must be true.
            if returndatasize() {
                paid := and(paid, and(gt(returndatasize(), 0x1f), eq(mload(0), 1)))
            }
        }
        if (!paid && left < NEEDED_GAS) revert GasMissing(left, NEEDED_GAS);
    }

    /// @notice Uses an approval. A failing one is ignored: somebody may have used it first, and if the allowance
    /// does not suffice the transfer fails anyway. One of zeros stands for none.
    function tryPermit(IERC20 token, address owner, Permit calldata permit) internal {
        if (permit.v == 0) return;
        try IERC20Permit(address(token))
            .permit(owner, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
    }
}
