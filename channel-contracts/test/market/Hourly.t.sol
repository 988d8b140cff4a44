// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarketplace, Proposal} from "../../src/interfaces/IMarketplace.sol";
import {World} from "../World.sol";

/// @notice The two prices of an offer are guarded each by itself.
contract HourlyTest is World {
    uint64 private issued = uint64(START) - 1_000;

    function _publish(uint256 perMegabyte, uint256 perHour) private {
        Proposal memory proposal = _proposal(perMegabyte, perHour);
        marketplace.publish(proposal, _signProposal(proposal));
    }

    function _refused(uint256 perMegabyte, uint256 perHour, uint256 price, uint256 limit) private {
        Proposal memory proposal = _proposal(perMegabyte, perHour);
        bytes memory signature = _signProposal(proposal);
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, price, limit));
        marketplace.publish(proposal, signature);
    }

    function _proposal(uint256 perMegabyte, uint256 perHour) private returns (Proposal memory proposal) {
        proposal.provider = provider;
        proposal.country = "SI";
        proposal.pricePerMegabyte = perMegabyte;
        proposal.pricePerHour = perHour;
        proposal.issuedAt = ++issued;
    }

    function _assertPrices(uint256 perMegabyte, uint256 perHour) private view {
        (uint256 megabyte, uint256 hour) = marketplace.priceAt(provider, uint64(block.timestamp));
        assertEq(megabyte, perMegabyte, "per megabyte");
        assertEq(hour, perHour, "per hour");
    }

    function test_the_hourly_price_alone_falls_at_once() public {
        _publish(100, 50);
        vm.warp(START + 10);
        _publish(100, 20);
        _assertPrices(100, 20);
    }

    function test_the_price_per_megabyte_alone_falls_at_once() public {
        _publish(100, 50);
        vm.warp(START + 10);
        _publish(60, 50);
        _assertPrices(60, 50);
    }

    function test_each_price_rises_by_a_share_of_its_own() public {
        _publish(1_000, 100);
        vm.warp(START + 2 days);
        // A tenth of the dear one would be far too much for the cheap one.
        _refused(1_000, 111, 111, 110);
        _publish(1_000, 110);
        vm.warp(block.timestamp + RAISE_NOTICE);
        _assertPrices(1_000, 110);
    }

    function test_the_dear_price_is_not_held_by_the_cheap_one() public {
        _publish(100, 1_000);
        vm.warp(START + 2 days);
        _refused(100, 1_101, 1_101, 1_100);
        _publish(100, 1_100);
        vm.warp(block.timestamp + RAISE_NOTICE);
        _assertPrices(100, 1_100);
    }
}
