extension TBlock {
    /// Returns the fraction of the T at `goal` that the T at `block` covers, in 0 … 1.
    ///
    /// Both are pairs of rectangles that share an edge but no area, so the common area is the sum over the four pairs.
    static func coverage(of goal: Pose, by block: Pose) -> Double {
        let toWorld = block.placement()
        // In the goal's own frame, its rectangles are axis-aligned, which simplifies clipping.
        let toGoal = Pose(position: .zero, angle: -goal.angle).placement()
        var common = 0.0
        for rectangle in rectangles {
            let polygon = rectangle.corners.map { toGoal(toWorld($0) - goal.position) }
            for goalRectangle in rectangles {
                common += area(of: clip(polygon, to: goalRectangle))
            }
        }
        return common / area
    }

    /// Returns the part of a convex polygon inside an axis-aligned rectangle (Sutherland and Hodgman 1974).
    private static func clip(_ polygon: [SIMD2<Double>], to rectangle: Rectangle) -> [SIMD2<Double>] {
        var result = polygon
        for axis in 0..<2 {
            result = clip(result) { $0[axis] - rectangle.lower[axis] }
            result = clip(result) { rectangle.upper[axis] - $0[axis] }
        }
        return result
    }

    /// Returns the part of a convex polygon where a linear `distance` is not negative.
    private static func clip(
        _ polygon: [SIMD2<Double>], by distance: (SIMD2<Double>) -> Double
    ) -> [SIMD2<Double>] {
        guard var previous = polygon.last else { return [] }
        var result: [SIMD2<Double>] = []
        result.reserveCapacity(polygon.count + 1)
        var previousDistance = distance(previous)
        for point in polygon {
            let pointDistance = distance(point)
            if (pointDistance < 0) != (previousDistance < 0) {
                let fraction = previousDistance / (previousDistance - pointDistance)
                result.append(previous + fraction * (point - previous))
            }
            if pointDistance >= 0 { result.append(point) }
            previous = point
            previousDistance = pointDistance
        }
        return result
    }

    /// Area by the shoelace formula.
    private static func area(of polygon: [SIMD2<Double>]) -> Double {
        guard var previous = polygon.last else { return 0 }
        var doubled = 0.0
        for point in polygon {
            doubled += previous.x * point.y - previous.y * point.x
            previous = point
        }
        return abs(doubled) / 2
    }
}
