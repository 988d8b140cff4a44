// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PaymentChannels} from "../../src/PaymentChannels.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {ChannelSettings, IPaymentChannels} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";
import {EveryRegistry} from "./Open.t.sol";

/// @notice The order of the delays, each pair by itself.
contract DelaysTest is World {
    function test_a_guarantee_may_not_live_as_long_as_a_protest_window() public {
        ChannelSettings memory settings = _settings();
        // Long enough an exit, so that only the one rule is broken.
        settings.exitDelay = 4 * PROTEST_WINDOW;
        settings.maxGuarantee = PROTEST_WINDOW;
        EveryRegistry other = _registryForNext();
        vm.expectRevert(IPaymentChannels.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
        settings.maxGuarantee = PROTEST_WINDOW - 1;
        other = _registryForNext();
        assertEq(
            new PaymentChannels(IIdentityRegistry(address(other)), settings).settings().maxGuarantee,
            PROTEST_WINDOW - 1,
            "one second less"
        );
    }

    function test_an_exit_takes_longer_than_a_guarantee_and_a_window() public {
        ChannelSettings memory settings = _settings();
        settings.exitDelay = MAX_GUARANTEE + PROTEST_WINDOW;
        EveryRegistry other = _registryForNext();
        vm.expectRevert(IPaymentChannels.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
        settings.exitDelay += 1;
        other = _registryForNext();
        assertEq(
            new PaymentChannels(IIdentityRegistry(address(other)), settings).settings().exitDelay,
            MAX_GUARANTEE + PROTEST_WINDOW + 1,
            "one second more"
        );
    }

    /// @dev A registry that expects the contract which is made after it.
    function _registryForNext() private returns (EveryRegistry) {
        uint256 nonce = vm.getNonce(address(this));
        address next = vm.computeCreateAddress(address(this), nonce + 1);
        return new EveryRegistry(address(token), next, UNBONDING);
    }
}
