// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {World} from "../World.sol";

/// @notice More of it than any field holds.
contract HugeToken is ERC20 {
    constructor() ERC20("Huge", "HUGE") {
        _mint(msg.sender, type(uint256).max);
    }
}

/// @notice What a contract holds in all fits 128 bits, so that no sum in it can overflow later.
contract HugeTokenTest is World {
    uint256 private constant MOST = type(uint128).max;

    function setUp() public override {
        vm.warp(START);
        _deploy(new HugeToken());
        hub = _enter("hub", HUB, 1_000 * WHOLE);
        token.approve(address(channels), type(uint256).max);
        token.approve(address(registry), type(uint256).max);
    }

    function test_channels_hold_128_bits_and_not_one_more() public {
        channels.fund(hub, MOST - 1);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.AmountTooLarge.selector, MOST + 1, MOST));
        channels.fund(hub, 2);
        channels.fund(hub, 1);
        assertEq(_pool(), MOST, "pool");
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.AmountTooLarge.selector, MOST + 1, MOST));
        channels.fund(consumer, 1);
    }

    function test_the_registry_holds_128_bits_and_not_one_more() public {
        uint256 rest = MOST - 1_000 * WHOLE;
        registry.addStake(hub, rest - 1);
        address other = _account("other");
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.AmountTooLarge.selector, MOST + 1, MOST));
        registry.addStake(hub, 2);
        registry.addStake(hub, 1);
        (uint128 stake,,) = registry.securityOf(hub);
        assertEq(stake, MOST, "stake");
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.AmountTooLarge.selector, MOST + WHOLE, MOST));
        registry.register(CONSUMER, WHOLE, address(0), "");
    }
}
