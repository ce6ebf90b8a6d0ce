"""Operations that combine several packages: reports, comparisons, reproductions, exports, serving."""
